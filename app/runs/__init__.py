"""Runs: started, claimed, watched, cancelled; and the four stages of the pipeline."""
