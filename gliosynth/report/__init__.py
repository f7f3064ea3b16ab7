"""Pictures and pages for readers: the overlay PNG and the HTML report. Pure: volumes in, bytes or text out."""
