"""Values that do harm, through every door of the handler, in a process that may die of it."""
