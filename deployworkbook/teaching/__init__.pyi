from .in_kernel import catch_up as catch_up
