DROP TABLE status_refusals;
DROP TABLE status_push;
