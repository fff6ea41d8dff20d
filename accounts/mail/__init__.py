"""Mails: written with what caused them, sent by a task, kept with their error until they arrive or are given up."""
