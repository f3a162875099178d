"""From sections of the v1alpha1 document to documents of their own, and back."""
