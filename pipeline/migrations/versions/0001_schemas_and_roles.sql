-- Roles first: their passwords are set by pipeline.migrate from references, so none is written here.
DO $$
DECLARE wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['ingest', 'etl', 'bi_readonly'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', wanted);
        END IF;
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO ingest, etl, bi_readonly', current_database());
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO ingest, etl', current_database());
END $$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;

CREATE SCHEMA raw;
CREATE SCHEMA staging;
CREATE SCHEMA curated;
CREATE SCHEMA ops;

GRANT USAGE ON SCHEMA raw TO ingest, etl;
GRANT USAGE, CREATE ON SCHEMA staging TO etl;
GRANT USAGE ON SCHEMA curated TO ingest, etl, bi_readonly;
GRANT USAGE ON SCHEMA ops TO ingest, etl;
