"""What the notebooks need to open: the lessons as files, the lab, kernels, and the doctor."""
