"""The equations of the workbook, in NumPy alone: one module per idea, one function per equation."""
