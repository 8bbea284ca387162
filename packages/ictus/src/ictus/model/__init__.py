"""What gives a network's numbers their meaning, shared by training and serving: numpy and OpenCV, no torch."""
