"""What is measured of endpoints by minutes and quarters of an hour, and the queue of batches to measure.

A batch is queued by the statement that marks it rolled up: it is measured once, however late it came.
"""

from django.db import migrations, models

QUEUE = """
CREATE FUNCTION xr_queue_to_measure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO routing_batchtomeasure (batch_id)
  SELECT n.id FROM new_rows n JOIN old_rows o ON o.id = n.id WHERE n.rolled_up AND NOT o.rolled_up
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER to_measure AFTER UPDATE ON billing_meterbatch
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION xr_queue_to_measure();
"""
DROP = "DROP TRIGGER to_measure ON billing_meterbatch; DROP FUNCTION xr_queue_to_measure();"


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0023_what_it_costs_us'),
        ('routing', '0004_what_the_files_said'),
    ]

    operations = [
        migrations.CreateModel(
            name='BatchToMeasure',
            fields=[
                ('batch_id', models.UUIDField(primary_key=True, serialize=False)),
            ],
            options={
                'verbose_name_plural': 'batches to measure',
            },
        ),
        migrations.CreateModel(
            name='EndpointMinute',
            fields=[
                ('pk', models.CompositePrimaryKey('minute', 'endpoint_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('minute', models.DateTimeField()),
                ('endpoint_id', models.BigIntegerField()),
                ('up', models.BigIntegerField()),
                ('down', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='EndpointQuarter',
            fields=[
                ('pk', models.CompositePrimaryKey('quarter', 'endpoint_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('quarter', models.DateTimeField()),
                ('endpoint_id', models.BigIntegerField()),
                ('up', models.BigIntegerField()),
                ('down', models.BigIntegerField()),
                ('answers', models.BigIntegerField()),
                ('first_byte_ms', models.BigIntegerField()),
                ('tokens', models.BigIntegerField()),
                ('token_ms', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='EndpointSpread',
            fields=[
                ('pk', models.CompositePrimaryKey('minute', 'endpoint_id', 'measure', 'step', blank=True, editable=False, primary_key=True, serialize=False)),
                ('minute', models.DateTimeField()),
                ('endpoint_id', models.BigIntegerField()),
                ('measure', models.CharField(choices=[('latency', 'Latency'), ('throughput', 'Throughput')], max_length=10)),
                ('step', models.SmallIntegerField()),
                ('answers', models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(QUEUE, DROP),
    ]
