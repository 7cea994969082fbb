"""Random calls: any callbacks in any order with any values, and what must hold of every document."""
