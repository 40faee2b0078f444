"""What is made of a results folder: pages, comparisons, checks."""
