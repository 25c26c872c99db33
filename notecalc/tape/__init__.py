"""A frame of many notes: `reading` judges it cell by cell, `results` computes from it, `frame` hands both out."""
