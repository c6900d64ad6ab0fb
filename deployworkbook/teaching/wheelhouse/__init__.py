"""A folder of wheels from which the workbook installs without a network.

``targets`` says for which machines, ``requirements`` which versions, ``closure`` which packages
they need in turn, ``downloading`` gets them with pip, ``store`` keeps them with their hashes, and
``making`` writes the install scripts.
"""
