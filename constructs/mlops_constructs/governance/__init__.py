"""Governance: keys, roles, network, waivers. Serves every phase from Initial on."""
