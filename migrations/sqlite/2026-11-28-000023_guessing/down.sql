DROP TABLE sign_in_tallies;
DROP INDEX sign_in_failures_by_time;
DROP INDEX sign_in_failures_by_name;
ALTER TABLE sign_in_failures DROP COLUMN browser;
