"""What the Create Call API accepts and refuses."""
