"""What a model can do, measured: sets of clips that never change, tables and pictures of what it makes of them."""
