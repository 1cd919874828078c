"""MFC/R2 by libopenr2: one channel as an R2Line, and two of them back to back."""
