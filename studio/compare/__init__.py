"""Several clips of one photo that differ in one or two things, made together and looked at side by side."""
