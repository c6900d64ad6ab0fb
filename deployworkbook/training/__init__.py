"""The one model of the workbook: its data, its layers, its training."""
