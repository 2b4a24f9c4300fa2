"""VOT's short-term challenges: their layout, their protocol with resets, and A, R and EAO.

The definitions are VOT2018's (Kristan et al., "The sixth Visual Object Tracking VOT2018 challenge
results", ECCVW 2018); where the report leaves something open, ``vot-toolkit`` 0.9.0 decides,
against which the numbers are tested. Other tools give other numbers for the same results.
"""
