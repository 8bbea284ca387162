"""What operators watch: figures of the work that waits, how long answers take, and whether the parts answer."""
