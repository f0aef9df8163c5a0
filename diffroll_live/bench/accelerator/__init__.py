"""Everything that is to be known of a GPU, in the few minutes that one is there. Needs torch and NumPy alone."""
