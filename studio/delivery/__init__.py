"""A clip's file made fit for one place it goes, and looked through field by field once it is written."""
