"""From frames to passes: tracking, choice of crops, fusing of readings, the pipeline."""
