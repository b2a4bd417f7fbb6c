"""The part of plctl that plans runs, starts them together, and writes down what happened."""
