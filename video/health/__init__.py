"""A camera's health: what its picture and its stream say, judged against what its owner requires.

Pure: numpy and OpenCV on brightness alone, no clock, no thread, no decoding. Who calls brings the pictures that were
decoded anyway, the packets that lie in the ring anyway, and the time.
"""
