"""Workers on Ray: the same queue over several GPUs and machines. Ray is imported only where --ray asks for it."""
