"""The TensorFlow Serving API: the server that the workbook brings, and what speaks to any."""
