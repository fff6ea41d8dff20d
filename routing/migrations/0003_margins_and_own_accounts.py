"""Margins, fees on a workspace's own accounts at providers, and what was measured of endpoints."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_closing'),
        ('routing', '0002_catalogue_version'),
    ]

    operations = [
        migrations.CreateModel(
            name='EndpointFigures',
            fields=[
                ('endpoint', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='figures', serialize=False, to='routing.endpoint')),
                ('figures', models.JSONField()),
                ('computed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'verbose_name_plural': 'endpoint figures',
            },
        ),
        migrations.CreateModel(
            name='Pricing',
            fields=[
                ('id', models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('margin_bp', models.IntegerField(db_default=0, default=0)),
                ('byok_fee_bp', models.IntegerField(db_default=500, default=500)),
            ],
            options={
                'verbose_name_plural': 'pricing',
            },
        ),
        migrations.AddField(
            model_name='endpoint',
            name='quantization',
            field=models.CharField(blank=True, db_default='', default='', max_length=20),
        ),
        migrations.AddField(
            model_name='endpoint',
            name='region',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
        migrations.AddField(
            model_name='model',
            name='margin_bp',
            field=models.IntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='provider',
            name='collects_data',
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name='provider',
            name='margin_bp',
            field=models.IntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='provider',
            name='own',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='provider',
            name='zdr',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='providercredential',
            name='workspace',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='provider_credentials', to='accounts.workspace'),
        ),
        migrations.AddConstraint(
            model_name='model',
            constraint=models.CheckConstraint(condition=models.Q(('margin_bp__isnull', True), ('margin_bp__range', (0, 90000)), _connector='OR'), name='model_margin_bounded'),
        ),
        migrations.AddConstraint(
            model_name='provider',
            constraint=models.CheckConstraint(condition=models.Q(('margin_bp__isnull', True), ('margin_bp__range', (0, 90000)), _connector='OR'), name='provider_margin_bounded'),
        ),
        migrations.AddConstraint(
            model_name='pricing',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='pricing_one_row'),
        ),
        migrations.AddConstraint(
            model_name='pricing',
            constraint=models.CheckConstraint(condition=models.Q(('byok_fee_bp__range', (0, 10000)), ('margin_bp__range', (0, 90000))), name='pricing_bounded'),
        ),
        migrations.RunSQL(
            "INSERT INTO routing_pricing (id) VALUES (1);"
            "CREATE TRIGGER catalogue_changed AFTER INSERT OR UPDATE OR DELETE ON routing_pricing"
            " FOR EACH STATEMENT EXECUTE FUNCTION xr_note_catalogue_change();",
            "DROP TRIGGER catalogue_changed ON routing_pricing;",
        ),
    ]
