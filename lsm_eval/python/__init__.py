"""What `lsm_eval` offers in Python (`lsm_eval/__init__.py` names it): imported when it is used."""
