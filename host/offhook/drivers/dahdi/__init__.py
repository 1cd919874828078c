"""DAHDI/...: analog phones and lines, and digital trunks, on ports of kernel_shims."""
