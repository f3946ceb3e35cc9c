"""Compliance: rules over synthesized templates, for a whole environment at once, with waivers as data.

Needs neither AWS nor the CDK (`plugin` alone imports it), so it judges any template in a fraction of a second.
"""
