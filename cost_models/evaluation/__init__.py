"""Quality of predictions, beside simple predictors on the same rows and the noise of the box."""
