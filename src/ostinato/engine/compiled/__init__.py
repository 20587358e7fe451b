"""Code that Numba compiles. Nothing here is imported where the compiled kernels are in the cache already."""
