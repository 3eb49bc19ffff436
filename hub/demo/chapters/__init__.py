"""The day's chapters, one person each; every one is a function that adds its steps to the day."""
