DROP TABLE ftps_calls;
DROP TABLE beneficiaries;
DROP TABLE payment_advices;
DROP TABLE payment_instructions;
DROP TABLE data_keys;
DROP TABLE tenants;
