"""An imitation of the hosted services on this computer: it speaks their protocols and makes a film of the photo it is
given, so that hosted models can be tried and tested without an account.
"""
