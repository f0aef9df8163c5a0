"""The networks: compact.py is the project's own, diffroll.py the published DiffRoll. Weights and arithmetic only."""
