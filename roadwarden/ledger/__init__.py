"""The tamper-evident log (存证): a Merkle tree over leaves, signed checkpoints, witnesses, evidence bundles.

Nothing here opens a database or a network: what a bundle needs to be checked is this room and a public key.
"""
