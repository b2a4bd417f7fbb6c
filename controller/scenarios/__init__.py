"""Looking at scenarios: figures, plots and checks."""
