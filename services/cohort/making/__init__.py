"""What a worker makes, and where it puts it: cases, what completes a data set, and the files of both."""
