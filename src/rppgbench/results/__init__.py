"""What is made of a results folder: pages, changes, checks."""
