"""What `doctor` knows: one function for each rule, in files by subject."""
