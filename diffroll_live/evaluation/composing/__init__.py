"""How good the composer is: held-out holes, several writers, an independent judge, and what tells music from noise."""
