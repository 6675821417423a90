"""Roads drawn by us for the demo, tests and benchmarks: vehicles, plates, clips."""
