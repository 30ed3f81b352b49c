"""The mixture network: what moves a particle, from one short trajectory."""
