"""The equations of the workbook, in NumPy alone: one module an idea, one function an equation."""
