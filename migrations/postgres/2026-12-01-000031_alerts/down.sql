DROP TABLE alert_reports;
DROP TABLE alert_episodes;
