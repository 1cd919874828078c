"""Line care: finding out how a line is, and setting it right."""
