"""What Numba compiles. Nothing here is imported where the compiled kernels lie in the cache already."""
