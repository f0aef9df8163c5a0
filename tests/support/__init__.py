"""What tests share: fakes, fixtures, real programs started for a test, and where things lie."""
